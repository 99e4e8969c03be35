"""GraphQL at `/graphql`: queries, mutations and subscriptions over the same services as REST.

| file | what |
|---|---|
| `schema` | puts the features together, and refuses to be built when a field declares no permission |
| `benchmarks` (`benchmark_types`, `benchmark_filters`), `bulk`, `results`, `comparisons` | features, over services |
| `providers`, `accounts`, `users`, `audit`, `settings`, `metrics`, `alerts`, `cluster`, `live` | likewise |
| `curves`, `files` | what a benchmark has beside its numbers, and where its files are |
| `derive`, `inputs` | GraphQL types out of the pydantic models, and inputs back into their documents |
| `guard`, `limits`, `errors` | who may, how much, and what a client hears of a failure |
| `conditions` | lost updates and creations sent twice |
| `context`, `loaders`, `connections`, `scalars`, `answers` | what resolvers share |
| `endpoints`, `socket`, `subscribers` | HTTP (and server-sent events), WebSocket, and their bounds |
"""
