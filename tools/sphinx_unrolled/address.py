"""The book's addresses follow from the repository's, which `_config.yml`
alone holds."""

from typing import Any
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError


def site_address(repository_url: str) -> str:
    """Return where GitHub Pages publishes a repository.

    Raises:
        ValueError: the address does not have the form
            https://github.com/OWNER/NAME.
    """
    parts = urlsplit(repository_url)
    path = parts.path.strip("/").split("/")
    if (
        parts.scheme != "https"
        or parts.netloc != "github.com"
        or len(path) != 2
        or not all(path)
    ):
        raise ValueError(
            f"{repository_url!r}: repository.url in _config.yml must read "
            "https://github.com/OWNER/NAME"
        )
    owner, name = path
    return f"https://{owner}.github.io/{name}/"


def set_addresses(app: Sphinx, config: Config) -> None:
    """Tell every extension that writes absolute addresses where the site
    will be."""
    if not config.html_baseurl:
        try:
            config.html_baseurl = site_address(
                config.html_theme_options["repository_url"]
            )
        except ValueError as error:
            raise ConfigError(str(error)) from error
    config.ogp_site_url = config.html_baseurl
    config.notfound_urls_prefix = urlsplit(config.html_baseurl).path


def point_to_source(
    app: Sphinx,
    pagename: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document,
) -> None:
    """Let the source and edit buttons open the `.py` that authors edit, not
    what it executes to."""
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if button.get("label") in (
                "source-file-button",
                "source-edit-button",
            ):
                button["url"] = button["url"].replace(
                    f"{pagename}.ipynb", f"{pagename}.py"
                )


def show_colab_at_once(
    app: Sphinx,
    pagename: str,
    template: str,
    context: dict[str, Any],
    doctree: nodes.document,
) -> None:
    """Show a lone launch button itself instead of a menu that holds only it."""
    context["header_buttons"] = [
        group["buttons"][0]
        if group.get("label") == "launch-buttons" and len(group["buttons"]) == 1
        else group
        for group in context.get("header_buttons", [])
    ]


def setup(app: Sphinx) -> None:
    """Settle addresses before other extensions read them, and buttons after
    the theme's."""
    app.connect("config-inited", set_addresses, priority=100)
    app.connect("html-page-context", point_to_source, priority=900)
    app.connect("html-page-context", show_colab_at_once, priority=900)
