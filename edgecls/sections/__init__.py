"""The tables of a device's configuration, a file per part; `edgecls.config` puts them together."""
