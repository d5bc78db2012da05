"""Words about prompts, as data: unrelated texts and styles that a prompt is compared with."""
