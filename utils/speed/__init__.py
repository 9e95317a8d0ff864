"""From the loop of a tutorial to training speed, and to several processes."""
