"""The HTTP side that every service has. One resource of a service looks like this:

    routes = router("credentials", "/v1/credentials")                    # app.py
    Writer = Annotated[Principal, Depends(require("credentials:write"))]  # auth.py

    class IssueBody(Body):                                               # body.py
        achievement: UUID
        recipient: Email

    @routes.post("", status_code=201, response_model=CredentialAnswer)
    async def issue(body: IssueBody, request: Request, who: Writer, here: Here) -> Response:
        async with here.db.tenant(who.institution) as tx:
            async def command() -> Result:                               # idempotency.py
                issued = await issue_credential(tx, who.institution, body, now=here.clock())
                return Result(201, shown(issued), {"ETag": etag(issued.version)})
            return await once(tx, request, who, command)

    @routes.get("", response_model=CredentialList)
    async def listing(request: Request, response: Response, who: Reader, here: Here,
                      limit: Limit = DEFAULT_LIMIT, cursor: CursorText = None) -> Any:
        place = place_of(request, cursor)                                # paging.py
        async with here.db.tenant(who.institution) as tx:
            rows = await credentials.page(tx, UUID(place[0]) if place else None, limit + 1)
        return page(request, response, rows, limit, place=lambda row: [str(row.id)], item=shown)

and main.py builds `create_app(…, routers=[routes])` and runs `serve(app, …, components=[relay, consumer])`.
"""
