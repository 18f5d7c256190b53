package ledger_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wecomq/wecomq/internal/ledger"
)

func TestTheConstantsOfTheScripts(t *testing.T) {
	t.Parallel()
	want := `local FINAL = {accepted = true, partial = true, rejected = true, unknown = true, expired = true, cancelled = true}
local DEAD = {rejected = true, unknown = true}
local REPLAYABLE = {partial = true, rejected = true, unknown = true}
local SENT = {accepted = true, partial = true}
local UNSENT = {rejected = true, expired = true, cancelled = true}
local FAILED = {partial = true, rejected = true, unknown = true, expired = true}
local BROADCAST_OVER = {cancelled = true, finished = true}
local ALL_INVALID = '81013'
local WAITING = 7776000000
local IN_FLIGHT = 250000
`
	if diff := cmp.Diff(want, ledger.Constants); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
