"""Make the generated pages of the reference anew: python docs/reference/_make.py."""

from __future__ import annotations

import _commands
import _plugins
import _settings

if __name__ == "__main__":
    for page in (_commands, _plugins, _settings):
        page.PAGE.write_text(page.render(), encoding="utf-8")
        print(f"wrote {page.PAGE.name}")
