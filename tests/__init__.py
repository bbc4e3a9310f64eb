"""The tests; threads wait as they do in the command line."""

from tests import typechecker as typechecker  # found here by the jaxtyping plugin

# the plugin checks types of this module with that one, which must therefore be imported first
from unsee.process.threads import wait_asleep  # isort: skip

wait_asleep()  # before torch is imported
