// Package message defines the messages of WeCom's message/send: a request type per msgtype, its limits,
// validation, the encoding, and a thin [Client].
//
// A request embeds [SendRequestCommon] (recipients and options) and has one content field, named after its
// msgtype. [Parse] reads message/send JSON into a typed request, [Validate] reports everything WeCom would
// refuse or cut, and [Encode] writes the bytes: always the same for the same request, which WeCom's duplicate
// check needs.
//
// Page ids in comments (90236 …) refer to WeCom's developer documentation,
// https://developer.work.weixin.qq.com/document/path/<id>. Sizes in bytes are of UTF-8, where a Chinese
// character takes 3 and most emoji 4; sizes in characters count Unicode code points.
package message
