"""From the workstation to the device: cards, wheels, and updates over ssh."""
