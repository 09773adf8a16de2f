"""Plans under risk, and what knowing more would be worth."""
