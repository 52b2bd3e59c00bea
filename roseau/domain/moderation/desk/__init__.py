"""Letters of hosts, orders of authorities, and mail to abuse@."""
