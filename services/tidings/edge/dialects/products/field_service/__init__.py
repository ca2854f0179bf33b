"""The dialect of the field service: the dashboard and the lists of its technicians."""
