from tests.service import running

__all__ = ["running"]
