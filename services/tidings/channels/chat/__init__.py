"""Chats: post what happened to the incoming webhooks of chat products."""
