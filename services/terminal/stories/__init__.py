"""Stories: for each of the five products an afternoon of its people, told through its own front end."""

from services.terminal.stories.barbershop import BARBERSHOP
from services.terminal.stories.chat import CHAT
from services.terminal.stories.field_service import FIELD_SERVICE
from services.terminal.stories.incidents import INCIDENTS
from services.terminal.stories.story import Story
from services.terminal.stories.volunteers import VOLUNTEERS

STORIES: tuple[Story, ...] = (FIELD_SERVICE, BARBERSHOP, CHAT, INCIDENTS, VOLUNTEERS)
