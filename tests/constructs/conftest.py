from tests.terrain.conftest import terrain

__all__ = ["terrain"]
