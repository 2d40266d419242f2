"""Replacing the cache changes the advice: its folder is writable by its owner only."""

import os

import pytest

from wheel_assets.cache.store.cache_file import make_private_folder
from wheel_assets.errors import StoreUnwritable


def test_a_folder_that_others_can_write_to_is_refused(tmp_path):
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o770)
    with pytest.raises(StoreUnwritable, match=f"others can write to it; chmod go-w {folder}"):
        make_private_folder(folder)
    folder.chmod(0o755)
    make_private_folder(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(tmp_path):
    os.chown(tmp_path, 12345, -1)
    with pytest.raises(StoreUnwritable, match="it belongs to another user"):
        make_private_folder(tmp_path)
