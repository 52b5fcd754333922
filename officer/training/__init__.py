"""From labelled pictures to a packaged model: the steps behind `officer model`."""
