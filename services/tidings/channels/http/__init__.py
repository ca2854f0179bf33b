"""The routes of the channels: what people and operators settle and see beyond the page."""
