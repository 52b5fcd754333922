"""One violation's way from the first look to the last mail, put together from what each part left behind."""
