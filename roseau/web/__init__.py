"""The pages: what people see in the browser, with and without JavaScript."""
