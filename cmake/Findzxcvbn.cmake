# zxcvbn::zxcvbn: Debian's libzxcvbn-dev has neither a CMake nor a pkg-config file.
find_path(ZXCVBN_INCLUDE_DIR zxcvbn.h)
find_library(ZXCVBN_LIBRARY zxcvbn)
mark_as_advanced(ZXCVBN_INCLUDE_DIR ZXCVBN_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(zxcvbn REQUIRED_VARS ZXCVBN_LIBRARY ZXCVBN_INCLUDE_DIR)

if(zxcvbn_FOUND AND NOT TARGET zxcvbn::zxcvbn)
    add_library(zxcvbn::zxcvbn UNKNOWN IMPORTED)
    set_target_properties(zxcvbn::zxcvbn PROPERTIES
        IMPORTED_LOCATION "${ZXCVBN_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${ZXCVBN_INCLUDE_DIR}")
endif()
