"""The dialect of the barbershop: frames and lists."""
