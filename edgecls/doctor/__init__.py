"""What `edgecls doctor` looks at: a file per subject, a function per check, findings from each."""
