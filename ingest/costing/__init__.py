"""Job costing: what the warehouse makes of it, what ServiceTitan's report says, and where they part."""
