"""What a document may cost, found out in one walk before it is validated: validating is what some attacks aim at.

Each fragment is measured once, however often it is spread, so that a document of fragments that spread each other
twice is as cheap to refuse as any.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_list_type,
)
from graphql.type.definition import is_non_null_type
from strawberry.extensions import SchemaExtension

from app.core.errors import InvalidRequestError
from app.core.pagination import DEFAULT_PAGE_SIZE
from app.core.settings import GraphQLSettings
from app.graphql.guard import COST, PAGED

LIST_FACTOR = 5
"""What a list without pages counts for: targets, metrics, levels of load."""
_PAGE_PARTS = frozenset({"edges", "nodes"})
_BACKREF = "strawberry-definition"


class LimitExceededError(InvalidRequestError):
    """A document above a limit; `details` carry the limit, its setting and what was found."""


class Weight(NamedTuple):
    """What a selection amounts to, fragments put in."""

    depth: int = 0
    aliases: int = 0
    fields: int = 0
    directives: int = 0
    complexity: int = 0

    def beside(self, other: "Weight") -> "Weight":
        """Both together."""
        return Weight(
            max(self.depth, other.depth), *(mine + theirs for mine, theirs in zip(self[1:], other[1:], strict=True))
        )


class _Measure:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], most: int) -> None:
        self._schema = schema
        self._variables = variables
        self._most = most
        self._fragments = {
            found.name.value: found for found in document.definitions if isinstance(found, FragmentDefinitionNode)
        }
        self._known: dict[str, Weight] = {}
        self._open: set[str] = set()

    def operation(self, node: OperationDefinitionNode) -> Weight:
        """One operation, with the default values of its variables."""
        roots: dict[OperationType, Any] = {
            OperationType.QUERY: self._schema.query_type,
            OperationType.MUTATION: self._schema.mutation_type,
            OperationType.SUBSCRIPTION: self._schema.subscription_type,
        }
        for variable in node.variable_definitions or ():
            if isinstance(variable.default_value, IntValueNode):
                name = variable.variable.name.value
                self._variables = {name: _number(variable.default_value.value), **self._variables}
        directives = len(node.directives or ()) + sum(
            len(variable.directives or ()) for variable in node.variable_definitions or ()
        )
        return Weight(directives=directives).beside(self._selections(node.selection_set, roots[node.operation]))

    def _selections(self, node: SelectionSetNode | None, parent: Any) -> Weight:
        total = Weight()
        names: set[str] = set()
        for selection in node.selections if node is not None else ():
            total = total.beside(self._selection(selection, parent))
            name = _plain_name(selection)
            if name and name in names:  # comparing repeated fields with each other is what stalls a validation
                total = total._replace(aliases=total.aliases + 1)
            names.add(name)
        return total

    def _selection(self, node: Any, parent: Any) -> Weight:
        directives = Weight(directives=len(node.directives or ()))
        if isinstance(node, FieldNode):
            return directives.beside(self._field(node, parent))
        if isinstance(node, InlineFragmentNode):
            target = parent
            if node.type_condition is not None:
                target = self._schema.get_type(node.type_condition.name.value) or parent
            return directives.beside(self._selections(node.selection_set, target))
        assert isinstance(node, FragmentSpreadNode)
        return directives.beside(self._fragment(node.name.value))

    def _fragment(self, name: str) -> Weight:
        fragment = self._fragments.get(name)
        if fragment is None or name in self._open:  # unknown, or in a circle: the validation says so
            return Weight()
        if name not in self._known:
            self._open.add(name)
            target = self._schema.get_type(fragment.type_condition.name.value)
            found = self._selections(fragment.selection_set, target)
            self._known[name] = found.beside(Weight(directives=len(fragment.directives or ())))
            self._open.discard(name)
        return self._known[name]

    def _field(self, node: FieldNode, parent: Any) -> Weight:
        name = node.name.value
        definition = self._schema.get_field(parent, name) if _has_fields(parent) else None
        below = self._selections(node.selection_set, get_named_type(definition.type) if definition else None)
        metadata = _metadata(definition)
        complexity = metadata.get(COST, 1) + below.complexity * self._factor(node, definition, metadata, parent)
        # Questions about the schema nest deeply by nature; the validation bounds their circles.
        depth = 0 if name.startswith("__") else below.depth + 1
        return Weight(depth, below.aliases + (node.alias is not None), below.fields + 1, below.directives, complexity)

    def _factor(self, node: FieldNode, definition: Any, metadata: Mapping[str, Any], parent: Any) -> int:
        if metadata.get(PAGED):
            return self._page_size(node)
        kind = definition.type if definition else None
        if is_non_null_type(kind):
            kind = kind.of_type
        if node.name.value in _PAGE_PARTS and parent is not None and str(parent).endswith("Connection"):
            return 1  # the page size has been counted
        return LIST_FACTOR if is_list_type(kind) else 1

    def _page_size(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value == "first":
                value = argument.value
                if isinstance(value, IntValueNode):
                    return max(1, _number(value.value))
                if isinstance(value, VariableNode):
                    given = self._variables.get(value.name.value)
                    if isinstance(given, int):
                        return max(1, given)
                    return DEFAULT_PAGE_SIZE if given is None else self._most
        return DEFAULT_PAGE_SIZE


def _plain_name(selection: Any) -> str:
    if isinstance(selection, FieldNode):
        return "" if selection.alias else selection.name.value
    return f"...{selection.name.value}" if isinstance(selection, FragmentSpreadNode) else ""


def _has_fields(kind: Any) -> bool:
    return isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)


def _metadata(definition: Any) -> Mapping[str, Any]:
    field = (definition.extensions if definition is not None else {}).get(_BACKREF)
    return getattr(field, "metadata", {})


def _number(text: str) -> int:
    return int(text) if len(text) < 19 else 10**18


def weigh(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any], most: int) -> Weight:
    """The heaviest operation of a document, together with what every one of them holds.

    `most` is the page size that counts when a variable does not say one.
    """
    total = Weight()
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode):
            found = _Measure(schema, document, variables, most).operation(node)
            total = total.beside(found)._replace(complexity=max(total.complexity, found.complexity))
    return total


def check_length(query: str | None, limits: GraphQLSettings) -> None:
    """Refuse to read a document that is too long: blanks and comments are no words, and cost as much to read.

    Raises:
        LimitExceededError: it is.
    """
    limit, found = limits.max_document_characters, len(query or "")
    if found > limit:
        setting = "server.graphql.max_document_characters"
        raise LimitExceededError(
            f"the document has {found} characters; at most {limit} are allowed ({setting}): long values belong into "
            "`variables`",
            limit=limit,
            setting=setting,
            found=found,
        )


def check(weight: Weight, limits: GraphQLSettings) -> None:
    """Refuse what is above a limit.

    Raises:
        LimitExceededError: for the first one.
    """
    for setting, what, found in (
        ("max_depth", "nests {} levels deep", weight.depth),
        ("max_aliases", "has {} aliases and repeated fields", weight.aliases),
        ("max_directives", "has {} directives", weight.directives),
        ("max_fields", "has {} fields", weight.fields),
        ("max_complexity", "has a complexity of {}", weight.complexity),
    ):
        limit = getattr(limits, setting)
        if found > limit:
            shown = found if found < 10**15 else "more than 10^15"
            raise LimitExceededError(
                f"the document {what.format(shown)}; at most {limit} is allowed (server.graphql.{setting})",
                limit=limit,
                setting=f"server.graphql.{setting}",
                found=shown,
            )


class Limits(SchemaExtension):
    """Bounds the words of a document while it is parsed, and weighs it before it is validated."""

    def __init__(self, settings: GraphQLSettings) -> None:
        self._settings = settings

    def on_operation(self) -> Iterator[None]:
        """Tell the parser how much it may read."""
        self.execution_context.parse_options = {"max_tokens": self._settings.max_tokens}
        yield

    def on_parse(self) -> Iterator[None]:
        """Weigh the document once it is read; what is too heavy never reaches the validation."""
        yield
        context = self.execution_context
        if context.graphql_document is None or context.pre_execution_errors is not None:
            return
        operations = [one for one in context.graphql_document.definitions if isinstance(one, OperationDefinitionNode)]
        if len(operations) > 1 and not context._provided_operation_name:  # noqa: SLF001  (else the first one is taken)
            message = "the document has several operations; say which one in `operationName`"
            context.pre_execution_errors = [GraphQLError(message, original_error=InvalidRequestError(message))]
            return
        schema = context.schema._schema  # noqa: SLF001  (graphql-core's own schema)
        try:
            check(
                weigh(schema, context.graphql_document, context.variables or {}, self._settings.max_page_size),
                self._settings,
            )
        except (LimitExceededError, RecursionError) as error:
            context.pre_execution_errors = [GraphQLError(str(error), original_error=error)]
