"""From a task's literal to numbered batches: sources -> readers -> features -> batches."""
