"""Templates of the mails; every value in the HTML ones is escaped."""
