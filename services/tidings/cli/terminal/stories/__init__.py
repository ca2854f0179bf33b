"""Stories: for each of the five products an afternoon of its people, told through its own front end."""

from tidings.cli.terminal.stories.barbershop import BARBERSHOP
from tidings.cli.terminal.stories.chat import CHAT
from tidings.cli.terminal.stories.field_service import FIELD_SERVICE
from tidings.cli.terminal.stories.incidents import INCIDENTS
from tidings.cli.terminal.stories.story import Story
from tidings.cli.terminal.stories.volunteers import VOLUNTEERS

STORIES: tuple[Story, ...] = (FIELD_SERVICE, BARBERSHOP, CHAT, INCIDENTS, VOLUNTEERS)
