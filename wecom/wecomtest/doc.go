// Package wecomtest simulates WeCom (企业微信) in one process: an [http.Handler] that answers gettoken,
// agent/get, message/send, message/recall, message/update_template_card and media/upload by WeCom's published
// rules, records delivered messages, and injects faults. Any WeCom client works against it by changing its
// base URL.
//
//	sim, err := wecomtest.New(wecomtest.Rules{})
//	server := httptest.NewServer(sim)
//	… point a client at server.URL, with CorpID, AgentID and Secret …
//	messages, err := sim.WaitMessages(ctx, 1)
//
// # Rules
//
// The zero [Rules] are WeCom's defaults for a company whose contact list is unknown: one app, and every
// well-formed userid, department and tag exists, as does every media_id. In the rules, a limit of 0 means
// WeCom's number, and a negative one disables the limit. Nothing here needs a network, and time can be faked
// with the field Now or with testing/synctest.
//
// Where WeCom's documentation is silent, the simulator chooses the stricter behaviour, so that a client that
// works with it also works with WeCom; the comments at each check say so. It does not translate $userName=…$
// placeholders, inspect media files, render messages, or call back when a card is clicked.
//
// # Faults
//
// A [Fault] makes selected calls fail: with an errcode, an HTTP status, a delay, or a connection that hangs
// or is reset, before or after the real work. The first fault in the list that is due applies. Faults come
// before the token check, so they hit every caller.
//
// # Administration over HTTP
//
// A test in the same process uses the methods of [Simulator]; /admin/ offers the same in JSON. An unknown key
// is an error, and errors are {"error": "…"}.
//
//	GET    /admin/rules          the rules in force, with defaults
//	PUT    /admin/rules          replace them; messages are kept
//	PATCH  /admin/rules          change only the given members
//	GET    /admin/faults         the faults, with how often each was seen and fired
//	POST   /admin/faults         add one fault or a list
//	DELETE /admin/faults         remove them all; delayed calls proceed at once
//	GET    /admin/messages       messages that arrived: ?since=SEQ &limit=N &user=USERID
//	DELETE /admin/messages       delete them
//	GET    /admin/stats          counters since the start
//	POST   /admin/tokens:expire  expire every access token
//	POST   /admin/media:expire   expire every media_id
//
// For example, make every third send lose its answer although the message arrives:
//
//	curl -d '{"api":"message/send","every":3,"reset":true,"after":true}' \
//	     http://127.0.0.1:8090/admin/faults
//	curl 'http://127.0.0.1:8090/admin/messages?user=chen.li&limit=10'
//
// # Memory
//
// The newest Keep messages are kept, as long as their bodies fit in 256 MiB. Windows of inactive members, old
// tokens, media ids and duplicate marks are dropped, so a simulator can run for weeks.
package wecomtest
