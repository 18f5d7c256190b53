package ledger

import (
	"cmp"
	"encoding/base64"
	"fmt"

	"github.com/wecomq/wecomq/internal/keys"
	"github.com/wecomq/wecomq/tasks"
)

// BroadcastCall describes a message that is a call of a broadcast to the scripts: see broadcast.lua. It is ""
// for any other message.
func BroadcastCall(id string) string {
	call, ok := tasks.ParseBroadcastCall(id)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d %d %d %s", call.Block, call.Call, call.Bit(), cmp.Or(call.FollowUp, "0"))
}

// BroadcastKey is the key of the broadcast whose call a message is. For any other message it is the key of its
// record, which is in the same slot.
func BroadcastKey(app, id string) string {
	if call, ok := tasks.ParseBroadcastCall(id); ok {
		return keys.Broadcast(app, call.Broadcast)
	}
	return keys.Record(app, id)
}

// BroadcastOver lists the states in which a broadcast makes no more calls; package broadcast has the others.
func BroadcastOver() []string { return []string{"cancelled", "finished"} }

// maxPacked bounds a packed msgid: its length is stored in one byte. WeCom's msgids have 80 to 170 characters.
const maxPacked = 255

// The first byte of a packed msgid gives its encoding.
const (
	packedBase64 = 'b' // decoded from base64
	packedText   = 't' // unchanged
)

// PackMsgID shortens a msgid, which WeCom writes in URL-safe base64, by a quarter: a broadcast keeps one for
// each of its calls. A msgid that is too long is left out.
func PackMsgID(msgid string) []byte {
	if msgid == "" {
		return nil
	}
	packed := append([]byte{packedText}, msgid...)
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(msgid); err == nil {
		packed = append([]byte{packedBase64}, raw...)
	}
	if len(packed) > maxPacked {
		return nil
	}
	return packed
}

// UnpackMsgID reads what [PackMsgID] wrote.
func UnpackMsgID(packed []byte) string {
	switch {
	case len(packed) == 0:
		return ""
	case packed[0] == packedBase64:
		return base64.RawURLEncoding.EncodeToString(packed[1:])
	default:
		return string(packed[1:])
	}
}
