from tests import typechecker as typechecker  # found here by the jaxtyping plugin
