"""What is planted, one module a group of rules; importing one fills `calibration.planting.PLANTERS`."""
