package wecom

import "time"

// How long WeCom accepts what it has given out.
const (
	MediaLifetime    = 3 * 24 * time.Hour // a media_id, for every app of the corp (90253)
	RecallWindow     = 24 * time.Hour     // the msgid of a message that is to be recalled (94867)
	ResponseCodeLife = 72 * time.Hour     // the response_code of a card, once (94888)
)
