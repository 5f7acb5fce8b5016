"""Ways out of the house: webhooks over a network that has public addresses only, and e-mail."""
