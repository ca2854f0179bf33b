"""Stories: an afternoon of each of the five products, seen through its own front end."""

from tidings.demo.stories.barbershop import BARBERSHOP
from tidings.demo.stories.chat import CHAT
from tidings.demo.stories.field_service import FIELD_SERVICE
from tidings.demo.stories.incidents import INCIDENTS
from tidings.demo.stories.story import Story
from tidings.demo.stories.volunteers import VOLUNTEERS

STORIES: tuple[Story, ...] = (FIELD_SERVICE, BARBERSHOP, CHAT, INCIDENTS, VOLUNTEERS)
