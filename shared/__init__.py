"""What both services know: contracts, the site file, the citation table, local stores, logging."""
