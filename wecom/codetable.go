package wecom

import "fmt"

// codeInfo is what this package knows about one errcode.
type codeInfo struct {
	class   Class
	scope   Scope
	meaning string // one line, no full stop
	hint    string // what an operator does, in whole sentences
}

// Hints that many codes share.
const (
	hintNotMessaging = "This is not a messaging limit: it belongs to another product. Look for the program that calls that product with this app's token."
	hintOfficial     = "Check the base URL: this is a code of the WeChat Official Account API, which WeCom never returns."
	hintSuite        = "Use the access_token of a self-built app from gettoken; suite tokens belong to third-party providers."
	hintThirdParty   = "Send to explicit userids, or with a self-built app: third-party apps are restricted here."
	hintTaskCard     = "Fix the task card, or send a template_card of type button_interaction, which supersedes it."
	hintVisible      = "Check the spelling and that the recipient is in the app's visible range (admin console: app, visible range)."
	hintGroup        = "Check the chatid, and send with the app that created the group."
	hintBot          = "Copy the webhook key again from the group bot's page, or add the bot to the group again."
)

var hintMedia = fmt.Sprintf("Convert or shrink the file, then upload it again (image: %s; voice: %s; video: %s; file: %s; all at least %d bytes).",
	MediaImage.Limits(), MediaVoice.Limits(), MediaVideo.Limits(), MediaFile.Limits(), MinMediaBytes)

// codeTable has every code of page 90313 that messaging can meet, and codes that are often mistaken for
// messaging limits. The classes are this project's judgement: WeCom documents codes, not remedies.
var codeTable = map[Code]codeInfo{
	-1: {ClassTransient, ScopeMessage, "WeCom is busy", "Wait: the message is retried. If it lasts for minutes, check WeCom's status and the network path."},
	0:  {ClassOK, ScopeMessage, "accepted", "Nothing to do. Check the invalid and unlicensed recipients listed in the same reply."},

	6000: {ClassTransient, ScopeMessage, "data version conflict", "Wait: the call is retried. If it repeats, let only one program change this data at a time."},

	// 40xxx: a parameter is bad.
	40001: {ClassToken, ScopeApp, "credential invalid: wrong secret, or a token that is no longer accepted", "Copy the secret again from the admin console and check that the app is enabled. If it comes from a call other than gettoken, a new token is fetched; if that helps, there is nothing to do."},
	40003: {ClassRecipient, ScopeMessage, "userid invalid", "Use the plain userid (1 to 64 bytes) from the contact list, not a display name. " + hintVisible},
	40004: {ClassContent, ScopeMessage, "media file type not allowed", hintMedia},
	40005: {ClassContent, ScopeMessage, "upload parameter type is not image, voice, video or file", "Set type in the upload URL to image, voice, video or file."},
	40006: {ClassContent, ScopeMessage, "media file size not allowed", hintMedia},
	40007: {ClassMedia, ScopeMessage, "media_id invalid, expired after 3 days, or of another media type", "Upload the file again with the type of the message and send with the new media_id."},
	40008: {ClassContent, ScopeMessage, "msgtype unknown", "Set msgtype to a type of message/send and put the content under the key of that name."},
	40009: {ClassContent, ScopeMessage, "image size not allowed", hintMedia},
	40011: {ClassContent, ScopeMessage, "video size not allowed", hintMedia},
	40013: {ClassConfig, ScopeApp, "corpid invalid", "Copy the corp id again from the admin console (my company) into corp_id."},
	40014: {ClassToken, ScopeApp, "access_token invalid", "Nothing to do if a new token helps. If it repeats, look for a second program that uses the app's secret or alters the token."},
	40031: {ClassRecipient, ScopeMessage, "userid list invalid", "Correct the userids in touser. " + hintVisible},
	40032: {ClassRecipient, ScopeMessage, "too many userids in one call", "Split touser into calls of at most 1000 userids."},
	40033: {ClassContent, ScopeMessage, "characters not allowed in the request (\\uxxxx form)", "Send raw UTF-8: turn off HTML and ASCII escaping in the JSON encoder."},
	40035: {ClassContent, ScopeMessage, "parameter invalid", "Compare the body with the API's page, fix the parameter that errmsg names and send again."},
	40039: {ClassContent, ScopeMessage, "url too long", "Shorten the url to 1024 bytes, for example with a redirect."},
	40050: {ClassRecipient, ScopeMessage, "group chat does not exist", "Create the group with appchat/create first, then use its chatid."},
	40056: {ClassConfig, ScopeApp, "agentid invalid", "Set agent_id to the number on the app's page in the admin console."},
	40058: {ClassContent, ScopeMessage, "parameter invalid: bad JSON, a value too long or missing, or another app's message", "Fix the field that errmsg names. On recall, use the app that sent the message."},
	40063: {ClassContent, ScopeMessage, "parameter empty", "Fill the parameter that errmsg names, and send the body as JSON by POST."},
	40066: {ClassRecipient, ScopeMessage, "department list invalid", "Correct the department ids in toparty. " + hintVisible},
	40068: {ClassRecipient, ScopeMessage, "tag id invalid", "Correct the tag ids in totag. " + hintVisible},
	40070: {ClassRecipient, ScopeMessage, "tags all invalid", "Correct the tag ids in totag; none of them exists. " + hintVisible},
	40074: {ClassContent, ScopeMessage, "news cannot be confidential", "Drop safe from the news message, or send mpnews."},
	40082: {ClassOther, ScopeMessage, "suite token invalid (third-party providers only)", hintSuite},
	40091: {ClassConfig, ScopeApp, "secret invalid or of another corp", "Copy the app's secret again and check that corp_id belongs to the same company."},
	40094: {ClassContent, ScopeMessage, "url invalid", "Write the url in full, with http:// or https:// in front."},
	40123: {ClassContent, ScopeMessage, "image broken, or its size differs from the declared one", "Check that the file opens as JPG or PNG and that filelength is its real size, then upload again."},
	40127: {ClassContent, ScopeMessage, "URI scheme not supported", "Use an http:// or https:// link."},
	40128: {ClassOther, ScopeMessage, "customer transferred too often (customer contact, not messaging)", hintNotMessaging},
	40201: {ClassContent, ScopeMessage, "content stopped by the anti-spam filter", "Reword the message. Do not replay it unchanged: repeated hits may restrict the app."},
	40204: {ClassContent, ScopeMessage, "content stopped by the anti-spam filter", "Reword the message. Do not replay it unchanged: repeated hits may restrict the app."},
	40206: {ClassContent, ScopeMessage, "request body too large", "Shorten the content or split the recipients over several calls."},

	// 41xxx: a parameter is missing.
	41001: {ClassToken, ScopeApp, "access_token missing in the URL", "Nothing to do if a new token helps. Otherwise put access_token into the query: WeCom does not read it from headers or the body."},
	41002: {ClassConfig, ScopeApp, "corpid missing", "Set corp_id in the app's configuration."},
	41004: {ClassConfig, ScopeApp, "secret missing", "Set secret or secret_file in the app's configuration."},
	41006: {ClassContent, ScopeMessage, "media_id missing", "Upload the file first and put its media_id into the message."},
	41010: {ClassContent, ScopeMessage, "url missing", "Add url, with http:// or https:// in front, to the textcard."},
	41011: {ClassConfig, ScopeApp, "agentid missing", "Set agent_id in the app's configuration."},
	41016: {ClassContent, ScopeMessage, "title missing", "Add a title to the card or article."},
	41033: {ClassContent, ScopeMessage, "description missing", "Add a description to the textcard."},
	41048: {ClassOther, ScopeMessage, "no customer to send to (customer contact, not a rate limit)", hintNotMessaging},
	41063: {ClassOther, ScopeMessage, "customer group message being dispatched (customer contact, not messaging)", hintNotMessaging},
	41094: {ClassOther, ScopeMessage, "group message reminder too frequent (customer contact, not messaging)", hintNotMessaging},

	// 42xxx: expired credentials and template cards (page 90236).
	42001: {ClassToken, ScopeApp, "access_token expired", "Nothing to do: the token is fetched again. If it repeats, check the clock and who else fetches tokens for this app."},
	42007: {ClassOther, ScopeMessage, "pre_auth_code expired (third-party providers only)", hintSuite},
	42009: {ClassOther, ScopeMessage, "suite_access_token expired (third-party providers only; not an agentid mismatch)", hintSuite},
	42014: {ClassContent, ScopeMessage, "task_id invalid", "Use a task_id of at most 128 bytes from 0-9 A-Z a-z _ - @, unique in the app."},
	42015: {ClassConfig, ScopeApp, "card was sent by another app", "Update the card with the app that sent it: check agent_id and secret."},
	42016: {ClassContent, ScopeMessage, "task_id to update does not exist", "Use the task_id of a card that this app has sent."},
	42017: {ClassContent, ScopeMessage, "task card button key does not exist", hintTaskCard},
	42018: {ClassContent, ScopeMessage, "task card button key invalid", hintTaskCard},
	42019: {ClassContent, ScopeMessage, "task card button key missing", hintTaskCard},
	42020: {ClassContent, ScopeMessage, "task card button name missing", hintTaskCard},
	42027: {ClassContent, ScopeMessage, "template_card: horizontal_content_list.keyname missing", "Give every item of horizontal_content_list a keyname."},
	42028: {ClassContent, ScopeMessage, "template_card: url missing in card_action, horizontal_content_list or jump_list", "Add url wherever type is 1."},
	42029: {ClassContent, ScopeMessage, "template_card: horizontal_content_list.media_id missing", "Upload the attachment and set media_id wherever type is 2."},
	42030: {ClassContent, ScopeMessage, "template_card: appid missing in card_action or jump_list", "Add the mini program's appid wherever type is 2."},
	42031: {ClassContent, ScopeMessage, "template_card: card_type invalid", "Set card_type to text_notice, news_notice, button_interaction, vote_interaction or multiple_interaction."},
	42033: {ClassContent, ScopeMessage, "template_card: title missing in main_title, vertical_content_list or jump_list", "Give every item of the list, and the card, a title."},
	42035: {ClassContent, ScopeMessage, "template_card: horizontal_content_list too long", "Keep at most 6 items in horizontal_content_list."},
	42036: {ClassContent, ScopeMessage, "template_card: vertical_content_list too long", "Keep at most 4 items in vertical_content_list."},
	42037: {ClassContent, ScopeMessage, "template_card: option_list empty or too long", "Use 1 to 20 options in a checkbox, 1 to 10 in a select_list or button_selection."},
	42038: {ClassContent, ScopeMessage, "template_card: button_list.text missing or invalid", "Give each of the 1 to 6 buttons a text."},
	42039: {ClassContent, ScopeMessage, "template_card: button_list.key missing or invalid", "Give every button without a url its own key of at most 1024 bytes."},
	42040: {ClassContent, ScopeMessage, "template_card: option_list.id missing or invalid", "Give every option its own id of at most 128 bytes."},
	42041: {ClassContent, ScopeMessage, "template_card: option_list.text missing or invalid", "Give every option a text."},
	42042: {ClassContent, ScopeMessage, "template_card: jump_list too long", "Keep at most 3 items in jump_list."},
	42043: {ClassContent, ScopeMessage, "template_card: question_key missing or invalid", "Give every question its own question_key of at most 1024 bytes."},
	42044: {ClassContent, ScopeMessage, "template_card: card_image.url missing or invalid", "Set card_image.url to the picture's address."},
	42045: {ClassContent, ScopeMessage, "template_card: card_action missing or invalid", "Add card_action with type 1 and url, or type 2 and appid."},
	42046: {ClassContent, ScopeMessage, "template_card: submit_button.key missing or invalid", "Give submit_button a key of at most 1024 bytes."},
	42047: {ClassContent, ScopeMessage, "template_card: select_list empty or too long", "Use 1 to 3 questions in select_list."},
	42049: {ClassContent, ScopeMessage, "template_card: submit_button.text missing or invalid", "Give submit_button a text."},
	42050: {ClassContent, ScopeMessage, "template_card: horizontal_content_list.userid missing or invalid", "Set userid wherever type is 3."},
	42051: {ClassContent, ScopeMessage, "template_card: action_menu.action_list.key repeated", "Give each of the 1 to 3 actions its own key."},
	42052: {ClassContent, ScopeMessage, "message older than 24 hours, too late to recall", "Send a correction instead: only messages of the last 24 hours can be recalled."},

	// 43xxx to 46xxx: media, sizes, limits.
	43004: {ClassRecipient, ScopeMessage, "member not bound to WeChat", "Ask the member to sign in to WeCom with WeChat or to follow the company's plugin."},
	43012: {ClassConfig, ScopeMessage, "app has no callback url", "Configure the app's callback url in the admin console (receive messages), or send cards without callbacks."},
	43101: {ClassOther, ScopeMessage, "not a code of WeCom", hintOfficial},
	44001: {ClassContent, ScopeMessage, "media file empty", "Send the file in a multipart part named media, with its content."},
	44004: {ClassContent, ScopeMessage, "text content empty", "Put some text into content."},
	45001: {ClassContent, ScopeMessage, "media file too large", hintMedia},
	45002: {ClassContent, ScopeMessage, "message too large", "Shorten the content (text 2048 bytes, mpnews 666 KB) or split it into several messages."},
	45007: {ClassContent, ScopeMessage, "voice longer than 60 seconds", "Cut the recording to 60 seconds and upload it again."},
	45008: {ClassContent, ScopeMessage, "article count not 1 to 8", "Use 1 to 8 articles, and split longer lists into several messages."},
	45009: {ClassRate, ScopeApp, "API call frequency exceeded", "Wait until the block ends: 60 s, 60 min or midnight China time. Look for other senders that use this app, corp or IP, and for repeated wrong secrets."},
	45010: {ClassOther, ScopeMessage, "menu count exceeded (WeChat Official Accounts, not WeCom)", hintOfficial},
	45011: {ClassRate, ScopeApp, "minute quota exceeded (WeChat Official Accounts, not documented for WeCom)", "Wait a minute and lower the call rate. " + hintOfficial},
	45015: {ClassOther, ScopeMessage, "reply window closed (WeChat Official Accounts, not WeCom)", hintOfficial},
	45024: {ClassOther, ScopeMessage, "member account cap reached (contact management, not a rate limit)", hintNotMessaging},
	45026: {ClassOther, ScopeMessage, "bulk deletion of members stopped (contact management, not messaging)", hintNotMessaging},
	45031: {ClassConfig, ScopeApp, "secret not secure enough", "Reset the app's secret in the admin console and configure the new one."},
	45032: {ClassContent, ScopeMessage, "author longer than 64 bytes", "Shorten the article's author to 64 bytes."},
	45033: {ClassConcurrency, ScopeApp, "too many concurrent calls", "Lower the app's concurrency, and look for other programs that call the same API of this corp."},
	45034: {ClassContent, ScopeMessage, "url without http:// or https://", "Put http:// or https:// in front of the url."},
	45047: {ClassOther, ScopeMessage, "customer-service reply count exceeded (WeChat Official Accounts, not WeCom)", hintOfficial},
	46004: {ClassRecipient, ScopeMessage, "user does not exist", "Correct the userid. " + hintVisible},

	// 48xxx to 50xxx: permissions.
	48001: {ClassConfig, ScopeApp, "API not authorised", "Grant the app this API in the admin console."},
	48002: {ClassConfig, ScopeMessage, "API not permitted for this app", "Use the secret of a messaging app, not of contact sync; bind a mini program for miniprogram_notice; widen the visible range to the root department for group chats."},
	48004: {ClassConfig, ScopeApp, "authorisation no longer valid", "Authorise the app again in the admin console."},
	48005: {ClassConfig, ScopeApp, "API retired", "Use the API's successor: this one no longer works."},
	48006: {ClassConfig, ScopeApp, "API permission withdrawn because the app was idle", "Ask an administrator to enable the app again in the admin console."},
	49008: {ClassRecipient, ScopeMessage, "group chat dissolved", "Create a new group and use its chatid."},
	50001: {ClassOther, ScopeMessage, "redirect_url not on a trusted domain (sign-in pages, not messaging)", "Add the domain to the app's trusted domains, if the app has sign-in pages."},
	50002: {ClassRecipient, ScopeMessage, "member outside the permission range", hintVisible},
	50003: {ClassConfig, ScopeApp, "app disabled", "Enable the app in the admin console (app management)."},
	50006: {ClassConfig, ScopeApp, "system app disabled", "Enable the system app in the admin console."},

	// 60xxx: contacts, origin of the call, third-party apps.
	60003: {ClassRecipient, ScopeMessage, "department does not exist", "Correct the department id in toparty. " + hintVisible},
	60011: {ClassRecipient, ScopeMessage, "no permission on the member, department or tag", hintVisible + " If it hits every message, check the app's API permissions too."},
	60020: {ClassConfig, ScopeApp, "caller's IP not trusted", "Add the IP that errmsg shows to the app's trusted IPs in the admin console; it takes effect in about a minute. Use a proxy if the address changes."},
	60021: {ClassRecipient, ScopeMessage, "member outside the app's visible range", hintVisible},
	60031: {ClassConfig, ScopeApp, "app barred from this API", "Use an app that may call this API, or allow it in the admin console."},
	60111: {ClassRecipient, ScopeMessage, "userid does not exist", "Use the plain userid from the contact list. " + hintVisible},
	60123: {ClassRecipient, ScopeMessage, "department id invalid", "Correct the department id in toparty. " + hintVisible},
	60140: {ClassContent, ScopeMessage, "response_code invalid, used or older than 72 hours", "Send a new card: a response_code works once and for 72 hours."},
	60206: {ClassConfig, ScopeMessage, "third-party app restricted to template messages", hintThirdParty},
	60207: {ClassConfig, ScopeMessage, "third-party app may not use @all", hintThirdParty},
	60208: {ClassConfig, ScopeMessage, "third-party app may not send to departments or tags", hintThirdParty},

	81013: {ClassRecipient, ScopeMessage, "all users, departments and tags invalid or not permitted", "Correct the recipients. " + hintVisible},
	81026: {ClassTransient, ScopeMessage, "feature under maintenance", "Wait a few minutes: the message is retried. If it lasts, check WeCom's announcements."},
	82001: {ClassRecipient, ScopeMessage, "no recipient given", "Fill touser, toparty or totag."},
	82002: {ClassRecipient, ScopeMessage, "too many departments in one call", "Split toparty into calls of at most 100 departments."},
	82003: {ClassRecipient, ScopeMessage, "too many tags in one call", "Split totag into calls of at most 100 tags."},
	82004: {ClassContent, ScopeMessage, "content could crash the client", "Remove unusual characters and deep markup from the content."},
	82101: {ClassRecipient, ScopeMessage, "card update without recipients", "Name userids, partyids or tagids, or set atall to 1."},
	82102: {ClassRecipient, ScopeMessage, "card update for members who did not get the card", "Update only for members who received the card."},
	84055: {ClassOther, ScopeMessage, "public phone called too often (public phone, not messaging)", hintNotMessaging},
	84066: {ClassOther, ScopeMessage, "public phone call count exceeded (public phone, not messaging)", hintNotMessaging},
	85002: {ClassContent, ScopeMessage, "forbidden words in the content", "Remove the forbidden words and send again."},
	86001: {ClassRecipient, ScopeMessage, "chatid invalid", hintGroup},
	86003: {ClassRecipient, ScopeMessage, "chatid missing or group unknown", hintGroup},
	86008: {ClassRecipient, ScopeMessage, "group chat belongs to another app", hintGroup},

	// 90xxx to 95xxx: mini programs (page 90236), group bots (page 91770).
	90200: {ClassContent, ScopeMessage, "miniprogram_notice: appid missing", "Add the linked mini program's appid."},
	90201: {ClassContent, ScopeMessage, "miniprogram_notice: more than 10 items in content_item", "Keep at most 10 items in content_item."},
	90202: {ClassContent, ScopeMessage, "miniprogram_notice: content_item.key missing or too long", "Give every item a key of at most 10 characters."},
	90203: {ClassContent, ScopeMessage, "miniprogram_notice: content_item.value missing or too long", "Give every item a value of at most 30 characters."},
	90204: {ClassContent, ScopeMessage, "miniprogram_notice: page invalid", "Shorten page to 1024 bytes and check that the mini program has it."},
	90206: {ClassContent, ScopeMessage, "mini program not linked to the app", "Link the mini program to this app in the admin console."},
	90207: {ClassContent, ScopeMessage, "mini program appid invalid", "Correct appid, and set pagepath with it."},
	90208: {ClassContent, ScopeMessage, "mini program appid is not the linked one", "Use the appid of the mini program linked to this app."},
	90313: {ClassOther, ScopeMessage, "limit of another WeCom product (refunds or check-in, not messaging)", hintNotMessaging},
	92000: {ClassRecipient, ScopeMessage, "member outside the permission range", hintVisible},
	93000: {ClassConfig, ScopeApp, "webhook key invalid, or the bot was removed", hintBot},
	93004: {ClassConfig, ScopeApp, "group bot disabled", "Enable the bot on its page in the group, or create a new one."},
	93008: {ClassConfig, ScopeApp, "group bot not in the group", hintBot},
	95001: {ClassOther, ScopeMessage, "limit of customer service (微信客服, not messaging)", hintNotMessaging},

	301002: {ClassConfig, ScopeApp, "token belongs to another app than agentid", "Pair agent_id and secret of the same app in the configuration."},
	301007: {ClassConfig, ScopeApp, "company disabled, dissolved or banned", "Ask the company's administrator to clarify its status with WeCom."},
	301016: {ClassContent, ScopeMessage, "voice file invalid", "Encode the recording as AMR and upload it again."},
	301017: {ClassContent, ScopeMessage, "voice file is not AMR", "Convert the recording to AMR and upload it again."},
	301021: {ClassOther, ScopeMessage, "attendance parameter wrong (check-in, not a limit)", hintNotMessaging},
	301023: {ClassOther, ScopeMessage, "attendance parameter wrong (check-in, not a limit)", hintNotMessaging},
	301024: {ClassOther, ScopeMessage, "attendance parameter wrong (check-in, not a limit)", hintNotMessaging},
	301096: {ClassOther, ScopeMessage, "limit of another WeCom product (check-in rules or WeDrive, not messaging)", hintNotMessaging},
	640019: {ClassOther, ScopeMessage, "limit of WeDrive (not messaging)", hintNotMessaging},
	701016: {ClassRecipient, ScopeMessage, "API licence not active", "Activate the API licence for these members in the provider console."},
	701099: {ClassRecipient, ScopeMessage, "user without an API licence", "Assign an API licence to the member in the provider console."},
	701134: {ClassOther, ScopeMessage, "limit of the licence API (not messaging)", hintNotMessaging},

	2000002: {ClassConfig, ScopeApp, "corpid invalid", "Copy the corp id again from the admin console (my company) into corp_id."},
}
