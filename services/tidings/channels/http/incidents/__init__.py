"""The incidents' words for settings: preferences and webhooks as its front end knows them."""
