"""The plain versions, to compare with: a request at a time, as a good programmer writes it."""
