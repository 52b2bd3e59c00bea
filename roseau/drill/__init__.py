"""The drill: real sites in real processes, killed under load, and every promise checked afterwards."""
