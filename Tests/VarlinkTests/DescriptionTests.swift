import Testing
import Varlink

/// Descriptions and methods have to agree, or the server is not made.
struct DescriptionTests {
    private let none = VarlinkMethod("A") { $0.reply() }

    @Test func whatIsDescribedAndWhatIsThereAgree() throws {
        let text = """
            # A comment, method C() -> ()
            interface org.example.more-than_one.x1
            type T (a: ?[]string, b: [string](c: int, d: (one, two)), e: ?T, f: object) # method D() -> ()
            type E (one, two)
            error Wrong (why: string)
            method A(first: T, second: (third: []?bool)) -> (a: float)
            method B() -> ()
            """
        let interface = try VarlinkInterface(description: text, methods: [none, VarlinkMethod("B") { $0.reply() }])
        #expect(interface.name == "org.example.more-than_one.x1")
        #expect(
            problem(text, [none])
                == "the interface org.example.more-than_one.x1 describes methods that are not there: B")
        #expect(
            problem("interface a.b", [none]) == "the interface a.b has a method A that is not described")
        #expect(
            problem("interface a.b\nmethod A() -> ()", [none, none]) == "the interface a.b was given two methods A")
    }

    @Test(arguments: [
        ("", "interface is expected"), ("interface", "name"), ("interface x", "has a dot"),
        ("interface a.b method", "name"),
        ("interface a.b\nmethod A() -> ()\nmethod A() -> ()", "two methods A"),
        ("interface a.b\nmethod A(a: int, a: int) -> ()", "line 2: there are two a"),
        ("interface a.b\nmethod A(a: int", "the end"),
        ("interface a.b\nmethod A()\nerror X ()", "-> is expected, not error"),
        ("interface a.b\nmethod A(a: []) -> ()", "line 2: a name is expected, not )"),
        ("interface a.b\nmethod a() -> ()", "capital"), ("interface a.b\nfunction A() -> ()", "function is neither"),
        ("interface a.b\n\nmethod A() -> ();", "line 3: ; is not expected"),
        ("interface a.b\nerror X ()\nerror X ()", "two errors X"),
    ])
    func aWrongDescriptionIsRefusedWithItsPlace(text: String, told: String) {
        #expect(problem(text, [none])?.contains(told) == true, "\(problem(text, [none]) ?? "taken")")
    }

    private func problem(_ description: String, _ methods: [VarlinkMethod]) -> String? {
        do throws(VarlinkDescriptionError) {
            _ = try VarlinkInterface(description: description, methods: methods)
            return nil
        } catch {
            return error.description
        }
    }
}
