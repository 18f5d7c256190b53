// Package samples has a message of every type and of every kind of card. The demo
// sends them, and tests share them.
package samples

import (
	_ "embed"
	"strings"
)

//go:embed messages.ndjson
var messages string

// Messages are message/send bodies as users write them, without agentid.
func Messages() []string { return strings.Split(strings.TrimSuffix(messages, "\n"), "\n") }
