"""What programs call that speak to OpenAI or Anthropic: the same wire, the four tiers behind it."""
