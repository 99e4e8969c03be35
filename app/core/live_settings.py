"""Settings of live events (`/ws`) and of GraphQL: what one client, one user and one document may cost."""

from pydantic import Field

from app.core.section import Section


class WebSocketSettings(Section):
    """`[server.websocket]`"""

    ping_interval_seconds: float = Field(20.0, gt=0, le=3600, description="Seconds between server pings.")
    pong_timeout_seconds: float = Field(10.0, gt=0, le=3600, description="Seconds to wait for a pong before closing.")
    max_message_size_mb: float = Field(1.0, gt=0, le=64, description="Largest accepted client message, in MiB.")
    queue_size: int = Field(256, ge=8, le=65536, description="Events kept per slow client before old ones drop.")
    max_connections: int = Field(4096, ge=1, le=100_000, description="Clients per server process.")
    max_connections_per_user: int = Field(64, ge=1, le=100_000, description="Clients of one user per server process.")
    max_subscriptions: int = Field(
        512, ge=1, le=100_000, description="Pairs of topic and benchmark that one client may listen to."
    )
    max_messages_per_minute: int = Field(
        1_200, ge=10, le=1_000_000, description="A client that says more is closed; also on GraphQL's WebSockets."
    )
    auth_timeout_seconds: float = Field(10.0, gt=0, le=300, description="Seconds to say who one is.")
    recheck_seconds: float = Field(
        15.0,
        gt=0,
        le=300,
        description="How often open connections ask whether they may go on; at once when a server takes rights away.",
    )
    replay_events: int = Field(4096, ge=1, le=100_000, description="Newest events that a client may have missed.")
    replay_seconds: float = Field(300.0, gt=0, le=3600, description="How long events are kept for that.")


class GraphQLSettings(Section):
    """`[server.graphql]`"""

    enable_introspection: bool | None = Field(
        None, description="Answer questions about the schema; by default outside production mode."
    )
    enable_graphiql: bool | None = Field(
        None, description="Serve an explorer page at /graphql; by default outside production mode."
    )
    max_depth: int = Field(12, ge=1, le=100, description="Fields within fields.")
    max_aliases: int = Field(
        30, ge=0, le=10_000, description="Aliases, and fields asked for again beside themselves, in a document."
    )
    max_document_characters: int = Field(
        50_000, ge=1000, le=10_000_000, description="Longest document; what its variables hold is not part of it."
    )
    max_tokens: int = Field(3_000, ge=10, le=100_000, description="Words and signs in a document.")
    max_directives: int = Field(50, ge=0, le=10_000, description="Directives in a document.")
    max_fields: int = Field(500, ge=1, le=100_000, description="Fields in a document, fragments put in.")
    max_complexity: int = Field(
        25_000, ge=1, le=10_000_000, description="Cost of an operation: about one per value in the largest answer."
    )
    max_page_size: int = Field(500, ge=1, le=500, description="Most items that `first` may ask for.")
    timeout_seconds: float = Field(30.0, gt=0, le=600, description="Longest run of a query or mutation.")
    max_connections: int = Field(1_000, ge=1, le=100_000, description="Open GraphQL WebSockets.")
    max_connections_per_user: int = Field(
        64, ge=1, le=100_000, description="Of these, of one user; and of one address before they say whose they are."
    )
    queue_size: int = Field(256, ge=8, le=65536, description="Events kept per slow subscription before ticks drop.")
    max_subscriptions_per_connection: int = Field(20, ge=1, le=1000, description="Operations at once, per WebSocket.")
    max_subscriptions_per_user: int = Field(50, ge=1, le=10_000, description="Subscriptions at once, per user.")
    recheck_seconds: float = Field(
        30.0,
        gt=0,
        le=300,
        description="How often subscriptions ask whether they may go on; at once when a server takes rights away.",
    )
