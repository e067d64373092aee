"""What a learner meets in a notebook: working copy, checks, quizzes, explorers, the lab."""
