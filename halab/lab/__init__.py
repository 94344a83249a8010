"""Where nodes come from: labs that are built here, and labs that are already there."""
