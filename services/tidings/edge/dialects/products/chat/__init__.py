"""The dialect of the chat: notifications, their status and the unread count."""
