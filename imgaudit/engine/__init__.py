"""How pictures are looked at: the planner, and the engines that drive it."""
