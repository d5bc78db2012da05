"""The compliance report for people: HTML and PDF, both functions of comply.json alone."""
