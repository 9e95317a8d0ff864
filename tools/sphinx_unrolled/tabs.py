"""Neighbouring cells tagged `tab-pytorch` and `tab-keras` become one set of
tabs.

A notebook shows the two versions of a step one after the other; the page shows
them side by side, outputs included, and a choice in one set changes every set
on the page.
"""

import itertools

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx_design.shared import create_component

from .places import place_of

FRAMEWORKS = {"tag_tab-pytorch": "PyTorch", "tag_tab-keras": "Keras"}


class LoneTabError(SphinxError):
    """A run of tagged cells that would make a single tab."""

    category = "Lone tab"


def framework_of(node: nodes.Node) -> str | None:
    """Return the framework whose tab tag a cell carries, if it carries one."""
    if (
        isinstance(node, nodes.container)
        and node.get("nb_element") == "cell_code"
    ):
        for name, framework in FRAMEWORKS.items():
            if name in node["classes"]:
                return framework
    return None


def tab_item(framework: str, cells: list[nodes.Node]) -> nodes.container:
    """Wrap cells as one tab; the synchronisation key ties it to the page's
    other sets."""
    label = nodes.rubric("", framework, classes=["sd-tab-label"])
    label["sync_id"], label["sync_group"] = framework.lower(), "framework"
    content = create_component(
        "tab-content", classes=["sd-tab-content"], children=cells
    )
    return create_component(
        "tab-item", classes=["sd-tab-item"], children=[label, content]
    )


def tab_sets(cells: list[nodes.Node]) -> list[nodes.container]:
    """Wrap a run of tagged cells as sets of tabs, one tab per framework in
    each.

    A set ends where a framework returns: PyTorch, Keras, PyTorch, Keras are two
        steps.
    """
    sets: list[dict[str, list[nodes.Node]]] = []
    for framework, group in itertools.groupby(cells, key=framework_of):
        if framework and (not sets or framework in sets[-1]):
            sets.append({})
        sets[-1][str(framework)] = list(group)
    return [
        create_component(
            "tab-set",
            classes=["sd-tab-set"],
            children=[tab_item(*tab) for tab in tabs.items()],
        )
        for tabs in sets
    ]


def group_tabs(app: Sphinx, doctree: nodes.document) -> None:
    """Replace each run of tagged cells in the page by its set of tabs.

    Raises:
        LoneTabError: a set would have one tab.
    """
    tagged = [
        cell for cell in doctree.findall(nodes.container) if framework_of(cell)
    ]
    for parent in {id(cell.parent): cell.parent for cell in tagged}.values():
        children: list[nodes.Node] = []
        for is_tab, group in itertools.groupby(
            parent.children, key=lambda c: bool(framework_of(c))
        ):
            run = list(group)
            sets = tab_sets(run) if is_tab else run
            if is_tab and any(len(tabs.children) == 1 for tabs in sets):
                raise LoneTabError(
                    f"{place_of(app.env, app.env.docname, run[0])}: "
                    f"{framework_of(run[0])} stands alone; "
                    "tag the neighbouring cell of the other framework too, "
                    "or remove the tag"
                )
            children += sets
        parent.children = []
        parent.extend(children)


def setup(app: Sphinx) -> None:
    """Regroup each page right after it has been read."""
    app.connect("doctree-read", group_tabs)
