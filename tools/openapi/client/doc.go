// Package client is generated from docs/openapi-3.0.json by `make api`, which compiles it: so
// must the clients of others. It is not kept.
package client

import (
	_ "github.com/oapi-codegen/runtime"       // of the generated code
	_ "github.com/oapi-codegen/runtime/types" // likewise
)
