// Package keys names every Redis key of wecomq outside asynq. All keys of one app carry its name in braces and
// so share a hash slot: a script may access several of them on Redis Cluster. asynq's own keys are in their
// queue's slot, and no script accesses two slots.
package keys

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
)

const prefix = "wecomq:{"

// LongTTL is the maximum life of a key that usually ends earlier: when its subject has ended, or on request.
const LongTTL = 90 * 24 * time.Hour

// All is the pattern of all keys of an app, or of one of its queues.
func All(tag string) string { return prefix + tag + "}:*" }

// Ready is written to check whether Redis stores anything. In a cluster tag gives it the slot of an app, a
// queue, or a key of asynq's; elsewhere it is empty.
//
// STRING · 1 minute · owner internal/daemon
func Ready(tag string) string {
	if tag == "" {
		return "wecomq:ready"
	}
	return prefix + tag + "}:ready"
}

// Activity is the trail of acts by users and programs, newest last.
//
// STREAM actor, via, from, action, app, target, error · the newest ten thousand or so · owner internal/activity
func Activity() string { return "wecomq:activity" }

// EndedSession marks a session of the pages that was closed.
//
// STRING, empty · until the session would have ended, 12 h at most · owner internal/daemon
func EndedSession(id string) string { return "wecomq:session:ended:" + id }

// Budget is how much of its limits a token of the gateway has used. It belongs to no app: the token may send for
// several.
//
// HASH minute, messages, day, recipients · until the day ends in China · owner internal/budget
func Budget(token string) string { return "wecomq:budget:" + token }

// LastUse is when a token of the gateway was last used. It belongs to no app either.
//
// STRING Unix ms · 90 days · owner internal/daemon
func LastUse(token string) string { return "wecomq:lastuse:" + token }

// Token is the access token for one set of the app's credentials, encrypted if there is a key.
//
// HASH token, refresh_at, expires_at (Unix ms) · until the token ends · owner internal/tokenstore
func Token(app, credentials string) string { return prefix + app + "}:token:" + credentials }

// TokenLock is held by the one process that calls gettoken.
//
// STRING owner · 15 s at most · owner internal/tokenstore
func TokenLock(app, credentials string) string { return Token(app, credentials) + ":lock" }

// TokenFailure is how gettoken last failed and when it may be called again.
//
// HASH failures, until (Unix ms), code, msg, status · 1 h · owner internal/tokenstore
func TokenFailure(app, credentials string) string { return Token(app, credentials) + ":failure" }

// Pace is the state that all workers of the app share: its rate, blocks, clock.
//
// HASH, see internal/pacing · for ever · owner internal/pacing
func Pace(app string) string { return prefix + app + "}:pace" }

// Window has the moments of the newest messages to a member; with ":critical" appended, those that used the
// share of critical messages, and with ":<number>" a block of older ones. The user "@all" stands for members who
// were not named. An empty user gives the prefix.
//
// STRING, see internal/pacing/moments.lua · 1 h · owner internal/pacing
func Window(app, user string) string { return prefix + app + "}:window:" + user }

// Plan has the future moments that are reserved for messages to a member, with the same suffixes.
//
// STRING, see internal/pacing/moments.lua · 1 h after the last of them · owner internal/pacing
func Plan(app, user string) string { return prefix + app + "}:turns:" + user }

// Quota is the number of recipients reached on a day in China, given as days since 1970. An empty day gives the prefix.
//
// STRING number · 2 days · owner internal/pacing
func Quota(app, day string) string { return prefix + app + "}:quota:" + day }

// Record is the record of a message since its first attempt.
//
// HASH, see internal/ledger · 90 days; once its task is gone the app's `records` retention · owner internal/ledger
func Record(app, id string) string { return prefix + app + "}:record:" + id }

// ParseRecord reads app and id from the name of a record.
func ParseRecord(key string) (app, id string, ok bool) {
	rest, ok := strings.CutPrefix(key, prefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "}:record:")
}

// MsgID maps WeCom's msgid, by its hash because it is long, to the message's id.
//
// STRING id · the app's `records` retention · owner internal/ledger
func MsgID(app, msgid string) string {
	sum := sha256.Sum256([]byte(msgid))
	return prefix + app + "}:msgid:" + base64.RawURLEncoding.EncodeToString(sum[:16])
}

// UnhashedMsgID is what [MsgID] was until December 2026. Messages that were recorded before are found there.
//
// STRING id · the app's `records` retention · owner internal/ledger
func UnhashedMsgID(app, msgid string) string { return prefix + app + "}:msgid:" + msgid }

// Records lists the messages that have a record by the time of their last change.
//
// ZSET id by Unix ms · entries and key: the app's `records` retention · owner internal/ledger
func Records(app string) string { return prefix + app + "}:records" }

// Results is the stream of the messages that have ended, newest last.
//
// STREAM id, state · the newest ten thousand or so · owner internal/ledger
func Results(app string) string { return prefix + app + "}:results" }

// Minutes counts the calls of an hour, given as hours since 1970. An empty hour gives the prefix.
//
// HASH "<minute of the hour> calls" or "… failed" to a number · 3 h · owner internal/ledger
func Minutes(app, hour string) string { return prefix + app + "}:minutes:" + hour }

// Dead lists the messages that were rejected, or whose outcome is unknown, and
// that were not replayed.
//
// ZSET id by Unix ms · entries and key: the app's `records` retention · owner internal/ledger
func Dead(app string) string { return prefix + app + "}:dead" }

// Payload is the data for a replay of a message: the task's payload as it was sent. Only messages that were
// rejected, are unknown or partial have one.
//
// STRING, see tasks.Encode · the app's `records` retention · owner internal/ledger
func Payload(app, id string) string { return prefix + app + "}:payload:" + id }

// MediaContent is a file of the app's messages, by the SHA-256 of its content.
//
// HASH pieces by number, size · the app's `records` retention after a message needed it last · owner internal/media
func MediaContent(app, hash string) string { return prefix + app + "}:media:content:" + hash }

// MediaKept lists the contents and their sizes by the time at which they expire.
//
// ZSET "hash bytes" by Unix ms · that of the last content · owner internal/media
func MediaKept(app string) string { return prefix + app + "}:media:kept" }

// MediaBytes is the total size of the contents.
//
// STRING number · that of the last content · owner internal/media
func MediaBytes(app string) string { return prefix + app + "}:media:bytes" }

// MediaUpload is the media_id of a file of one type and name, or how its upload failed.
//
// HASH id; code, msg, status · 60 h; a failure 10 minutes at most · owner internal/media
func MediaUpload(app, upload string) string { return prefix + app + "}:media:upload:" + upload }

// MediaLock is held by the one process that uploads a file.
//
// STRING owner · 1 minute at most · owner internal/media
func MediaLock(app, upload string) string { return MediaUpload(app, upload) + ":lock" }

// NotifyPlace is the time up to which a receiver was notified of messages that ended.
//
// STRING Unix ms · 90 days after a worker looked last · owner internal/notify
func NotifyPlace(app, receiver string) string { return prefix + app + "}:notify:place:" + receiver }

// NotifyLease is held by the one process that notifies a receiver.
//
// STRING owner · 15 s at most · owner internal/notify
func NotifyLease(app, receiver string) string { return prefix + app + "}:notify:turn:" + receiver }

// Audit is the result of the last audit of the app.
//
// STRING JSON · 24 h · owner internal/audit
func Audit(app string) string { return prefix + app + "}:audit" }

// AuditLease is held by the one process that audits the app, and until the next audit.
//
// STRING · 5 minutes after the audit's last page at most · owner internal/audit
func AuditLease(app string) string { return Audit(app) + ":turn" }

// Broadcasts lists the broadcasts by the time of their creation.
//
// ZSET id by Unix ms · entries: as long as the broadcast is kept · owner internal/broadcast
func Broadcasts(app string) string { return prefix + app + "}:broadcasts" }

// Broadcast is a broadcast: its content, its state, and how many of its recipients are in which state.
//
// HASH, see internal/broadcast · 90 days; once it has ended, the app's `records` retention
// · owner internal/broadcast, internal/ledger
func Broadcast(app, id string) string { return prefix + app + "}:broadcast:" + id }

// BroadcastsSent are the moments of the newest calls of broadcasts, which count against
// every member.
//
// HASH id to Unix ms · entries and key: 1 h · owner internal/pacing
func BroadcastsSent(app string) string { return Broadcasts(app) + ":sent" }

// BroadcastBlocks are the recipients of a broadcast.
//
// HASH block number to a compressed block · as the broadcast · owner internal/broadcast
func BroadcastBlocks(app, id string) string { return Broadcast(app, id) + ":blocks" }

// BroadcastDone has a bit for each call of a broadcast that has ended.
//
// STRING bits · as the broadcast · owner internal/ledger
func BroadcastDone(app, id string) string { return Broadcast(app, id) + ":done" }

// BroadcastOpen are the calls of a broadcast that were tried and have not ended.
//
// HASH <block>.<call> to number of recipients · as the broadcast · owner internal/ledger
func BroadcastOpen(app, id string) string { return Broadcast(app, id) + ":open" }

// BroadcastMinutes counts the calls that ended in each minute.
//
// HASH "<minutes since 1970> ok" or "… failed" to a number · as the broadcast · owner internal/ledger
func BroadcastMinutes(app, id string) string { return Broadcast(app, id) + ":minutes" }

// BroadcastRecalled is the progress of the recall of a broadcast.
//
// HASH block to the number of its outcomes that were looked at, recalled and failed to a number of calls, by and
// until of the run in progress · the longer of 24 h and the app's `records` retention
// · owner internal/broadcast
func BroadcastRecalled(app, id string) string { return Broadcast(app, id) + ":recalled" }

// BroadcastReplaying is the lock of the run that makes a replay of a broadcast.
//
// STRING name of the run · 5 minutes at most · owner internal/broadcast
func BroadcastReplaying(app, id string) string { return Broadcast(app, id) + ":replaying" }

// BroadcastOutcomes has the outcomes of the calls of a block.
//
// LIST, see internal/broadcast · as the broadcast · owner internal/ledger
func BroadcastOutcomes(app, id, block string) string { return Broadcast(app, id) + ":fates:" + block }

// IdempotencyKey maps the id that derives from a sender's key to the message that was enqueued under it.
//
// STRING id, priority, parts · the app's `records` retention · owner producer
func IdempotencyKey(app, id string) string { return prefix + app + "}:key:" + id }

// Same maps a message with duplicate check to the first one with the same bytes and recipients.
//
// STRING id, priority, parts · the duplicate-check interval, the app's `records` retention at most · owner producer
func Same(app, hash string) string { return prefix + app + "}:same:" + hash }

// WebhookSeen is a notification received by webhook, for one audience, with the decision about it, so that a
// duplicate or a repetition gets the same decision.
//
// HASH nonce, held, before, cards, says · `gateway.webhooks.dedup` · owner internal/webhook
func WebhookSeen(app, notification string) string {
	return prefix + app + "}:webhook:seen:" + notification
}

// WebhookWindow counts the messages of webhooks to one member.
//
// HASH until (Unix ms), count, storm, open · two windows · owner internal/webhook
func WebhookWindow(app, stream, member string) string {
	return prefix + app + "}:webhook:window:" + stream + ":" + member
}

// WebhookDigest is the open digest of one member.
//
// HASH, see internal/webhook · until it is enqueued · owner internal/webhook
func WebhookDigest(app, stream, member string) string {
	return prefix + app + "}:webhook:digest:" + stream + ":" + member
}

// WebhookClosedDigest is a complete digest that waits to be enqueued.
//
// HASH, see internal/webhook · until it is enqueued · owner internal/webhook
func WebhookClosedDigest(app, id string) string { return prefix + app + "}:webhook:closed:" + id }

// WebhookDue lists digests and waiting messages by the time at which each is due.
//
// ZSET of names, by Unix ms · until the last is enqueued · owner internal/webhook
func WebhookDue(app string) string { return prefix + app + "}:webhook:due" }

// WebhookLast is the last message about a group of alerts to one audience.
//
// STRING id · 24 h · owner internal/webhook
func WebhookLast(app, group string) string { return prefix + app + "}:webhook:last:" + group }

// WebhookCards are the cards about a group of alerts to one audience that change when the
// alerts end, oldest first.
//
// LIST id, at most 10 · 72 h after the last, or until the alerts end · owner internal/webhook
func WebhookCards(app, group string) string { return prefix + app + "}:webhook:cards:" + group }

// WebhookWaiting is a message that must not overtake the one before it.
//
// HASH body with its priority and key, after, actor; with cards and update where it is sent only
// if those cannot be changed · until it is enqueued · owner internal/webhook
func WebhookWaiting(app, id string) string { return prefix + app + "}:webhook:waiting:" + id }

// Dequeued has the tasks that a server last took from a queue, in case the reply was lost. It is in the slot of
// its queue.
//
// STRING name of the dequeue, task ids · 10 s · owner internal/asynqx
func Dequeued(queue, server string) string { return prefix + queue + "}:dequeued:" + server }

// Senders has fair.lua's notes on senders with tasks in a long queue. It is in the slot of its queue.
//
// HASH sender to a note, at most 1000, see internal/asynqx/fair.lua · 7 days after the last change · owner internal/asynqx
func Senders(queue string) string { return prefix + queue + "}:senders" }
