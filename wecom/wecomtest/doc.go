// Package wecomtest is WeCom (企业微信) in one process: an [http.Handler] that
// answers gettoken, agent/get, message/send, message/recall,
// message/update_template_card and media/upload by WeCom's published rules,
// remembers what it delivered, and injects faults. Any WeCom client works against
// it by changing its base URL.
//
//	sim, err := wecomtest.New(wecomtest.Rules{})
//	server := httptest.NewServer(sim)
//	… point a client at server.URL, with CorpID, AgentID and Secret …
//	messages, err := sim.WaitMessages(ctx, 1)
//
// # Rules
//
// The zero [Rules] are WeCom's defaults for a company whose contact list is
// unknown: one app, every well-formed userid, department and tag exists, and so
// does every media_id. In the rules a limit of 0 means WeCom's number and a
// negative one switches the limit off. Nothing here needs a network, and time
// may be faked with the field Now or with testing/synctest.
//
// Where WeCom documents nothing, the simulator picks the stricter reading, so
// that a client which satisfies it also satisfies WeCom; the comments at each
// check say so. It does not translate $userName=…$ placeholders, look into media
// files, render messages, or call back when a card is clicked.
//
// # Faults
//
// A [Fault] makes chosen calls fail in a chosen way: an errcode, an HTTP status,
// a delay, a connection that hangs or is reset, before or after the real work.
// The first fault in the list that is due decides the call. Faults act before
// the token is looked at, so they fire for every caller.
//
// # Administration over HTTP
//
// Everything a test in the same process can do is also under /admin/, in JSON;
// a key that does not exist is an error, and errors are {"error": "…"}.
//
//	GET    /admin/rules          the rules in force, defaults filled in
//	PUT    /admin/rules          replace them; what has arrived stays
//	PATCH  /admin/rules          change only the members given
//	GET    /admin/faults         the faults, with how often each was seen and fired
//	POST   /admin/faults         add one fault or a list
//	DELETE /admin/faults         remove them all; delayed calls proceed at once
//	GET    /admin/messages       what arrived: ?since=SEQ &limit=N &user=USERID
//	DELETE /admin/messages       forget it
//	GET    /admin/stats          counters since the start
//	POST   /admin/tokens:expire  end the life of every access token
//	POST   /admin/media:expire   end the life of every media_id
//
// For example: every third send loses its answer although the message arrives.
//
//	curl -d '{"api":"message/send","every":3,"reset":true,"after":true}' \
//	     http://127.0.0.1:8090/admin/faults
//	curl 'http://127.0.0.1:8090/admin/messages?user=chen.li&limit=10'
//
// # Memory
//
// The newest Keep messages stay, as long as their bodies fit in 256 MiB.
// Windows of quiet members, old tokens, media ids and duplicate marks are
// forgotten, so a simulator can run for weeks.
package wecomtest
